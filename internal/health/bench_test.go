package health

import (
	"fmt"
	"testing"
)

// BenchmarkCheck is one credential with two scenarios, without a network.
func BenchmarkCheck(b *testing.B) {
	w := newQuietWorld(b)
	for i := range b.N {
		w.add("acme", fmt.Sprintf("acme-%05d", i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	w.night()
}
