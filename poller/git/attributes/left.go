package attributes

// Left is what git would do more with a file if it were configured to: run the
// "filter" of this name, or write it in this "encoding".
type Left struct{ Kind, Value string }
