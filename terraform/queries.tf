# What the functions' own queries need of Firestore. Of these collections nothing else is indexed: an index on a
# counter or a timestamp would be paid with every write and read by nobody.

locals {
  queries = {
    # functions/close_day
    airport_hours = { indexed = { date = "ASCENDING" } }

    # functions/board: all of an airport's day, what is new of it, and the last day there is.
    departures = {
      indexed    = { day = "ASCENDING", origin = "ASCENDING", scheduled_departure = "DESCENDING" }
      composites = { posted = ["origin", "day", "posted_at"] }
    }
  }
}
