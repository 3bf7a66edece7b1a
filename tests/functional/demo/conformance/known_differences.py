"""Exchanges that do not match, each with its reason. They count as not matching."""

KNOWN = {
    "074.1": "the recorded request body was parsed, so the duplicate key that the answer complains about is lost",
    "168.3": "the rollout is a moment further on in the recording: its list no longer has unavailableReplicas",
    "192.1": "a node's metrics carry all labels of the node, as metrics-server gives them; the recorder's had one",
    "194.4": "as 192.1",
    "211.1": "the refusal ends with a diff of Go's internal types, line numbers included",
    "230.5": "the adopted ReplicaSet is counted in the Deployment's first status, a moment later in the recording",
    "233.1": "as 230.5",
    "270.2": "the recorder answered 415 itself; this server reads protobuf, as a real one does",
    "271.3": "as 270.2",
}
