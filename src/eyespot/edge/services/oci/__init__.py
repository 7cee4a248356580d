"""Services that come as OCI images: an archive that anybody may have made is read, checked, pinned and kept."""
