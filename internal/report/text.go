package report

// Inert returns s on one line, with everything visible that would not print,
// hides or reorders text, or commands a CI runner.
func Inert(s string) string { return inert(s) }

// Markdown returns s, inert, for the middle of a paragraph or a cell of
// GitHub's Markdown: nothing in it is markup.
func Markdown(s string) string { return markdown(inert(s)) }
