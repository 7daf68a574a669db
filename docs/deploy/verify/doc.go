// Package verify tests the recipes of docs/deploy with the tools that will read
// them, and runs their commands against a simulated provider. It is a module of
// its own, so that what it needs is no part of authspec.
package verify
