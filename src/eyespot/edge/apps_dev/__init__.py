"""The developer's day: a new service's folder. Does not install or run anything on a host."""
