"""The demo company: Harborline, which books ferry journeys and carries parcels, and the cluster it runs on."""
