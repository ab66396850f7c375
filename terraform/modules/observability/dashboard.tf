# One page with what the alerts look at, and what explains it.

locals {
  # Two columns of tiles, in this order. The interval is what the page is zoomed to.
  charts = [
    { title = "Deliveries by how they ended, per second", query = "sum by (verdict) (rate(${local.delivered}[$${__interval}]))" },
    { title = "Deliveries by function, per second", query = "sum by (function) (rate(${local.delivered}[$${__interval}]))" },
    { title = "Share of deliveries that fail", query = "sum by (function) (rate(${local.failing}[$${__interval}])) / sum by (function) (rate(${local.delivered}[$${__interval}]))" },
    { title = "Events given up", query = "sum by (function) (increase(${local.metric.deliveries}_sum{${local.on_run},verdict=\"dead\"}[$${__interval}]))" },
    { title = "Oldest message that waits, in seconds", query = "max by (subscription_id) (${local.waiting})" },
    { title = "Messages that wait", query = "sum by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.on_subscription}})" },
    { title = "Duration of a delivery, 95th percentile in ms", query = "histogram_quantile(0.95, sum by (le, function) (rate(${local.metric.duration}_bucket{${local.on_run}}[$${__interval}])))" },
    { title = "From publish to answer, 95th percentile in ms", query = "histogram_quantile(0.95, sum by (le, function) (rate(${local.metric.latency}_bucket{${local.on_run}}[$${__interval}])))" },
    { title = "Put off for an open breaker, per second", query = "sum by (dependency) (rate(${local.metric.cut_off}_sum{${local.on_run}}[$${__interval}]))" },
    { title = "Put off because under way already, per second", query = "sum by (function) (rate(${local.contending}[$${__interval}]))" },
    { title = "Instances", query = "sum by (service_name) (run_googleapis_com:container_instance_count{${local.on_run}})" },
    { title = "Requests by the class of their answer, per second", query = "sum by (response_code_class) (rate(run_googleapis_com:request_count{${local.on_run}}[$${__interval}]))" },
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = var.application
    mosaicLayout = {
      columns = 48
      tiles = [
        for place, chart in local.charts : merge(
          # Cloud Monitoring leaves zeros out of its answer, and what is sent all the same is a change in every plan.
          { for name, value in { xPos = place % 2 * 24, yPos = floor(place / 2) * 12 } : name => value if value != 0 },
          {
            width  = 24
            height = 12
            widget = {
              title = chart.title
              xyChart = {
                dataSets = [{
                  plotType = "LINE"
                  timeSeriesQuery = {
                    prometheusQuery = chart.query
                  }
                }]
              }
            }
          },
        )
      ]
    }
  })
}
