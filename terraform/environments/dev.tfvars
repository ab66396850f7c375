# For trying things: little is kept ready, and nobody is woken.

max_instances = 3

delayed_delivery = {
  max_per_second = 50
  max_concurrent = 100
}
