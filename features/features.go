// Package features holds the specs of the providers that come with authspec.
package features

import "embed"

// Files are the features, one for each provider.
//
//go:embed *.feature
var Files embed.FS
