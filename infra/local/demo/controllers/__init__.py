"""What runs beside the API server: controllers, scheduler and kubelets, moved by a clock that tests can turn."""
