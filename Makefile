# Eyespot: `make demo` and `make test` do all set-up themselves.
