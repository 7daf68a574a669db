// Package alert tells people what changed.
package alert

import (
	_ "github.com/cenkalti/backoff/v5"
	_ "github.com/nicholas-fedor/shoutrrr/pkg/router"
)
