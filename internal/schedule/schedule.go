// Package schedule says when a check is due.
package schedule

import (
	_ "github.com/go-co-op/gocron/v2"
	_ "time/tzdata"
)
