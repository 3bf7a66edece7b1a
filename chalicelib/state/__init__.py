"""What a cluster looks like: kinds, objects, snapshots, relations, differences, evidence. Pure: no I/O, no clock."""
