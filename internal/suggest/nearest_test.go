package suggest

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"antsomi", "ankorstore", "gigastore", "base_url", "client_auth"}
	for _, tt := range []struct{ name, want string }{
		{"antsmoi", "antsomi"},
		{"Antsomi", "antsomi"},
		{"gigastor", "gigastore"},
		{"baseURL", "base_url"},
		{"client-auth", "client_auth"},
		{"sendgrid", ""},
		{"", ""},
	} {
		if got := Nearest(tt.name, known); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
