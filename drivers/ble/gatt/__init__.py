"""Values of GATT characteristics: one module a service, all of them by UUID in `characteristics`."""
