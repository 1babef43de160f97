"""What runs on a device, which build of a release a machine gets, and why."""
