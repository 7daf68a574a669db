package providers

import "embed"

// Files are the provider files that come with authspec.
//
//go:embed *.yaml
var Files embed.FS
