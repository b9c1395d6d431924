package attributes

// Match says whether a path matches a pattern of gitignore(5) that has no slash at its ends. It takes from steps what that
// costs: nothing matches when none is left.
func Match(pattern string, path []byte, steps *int64) bool {
	w := wildmatch{Steps: *steps}
	defer func() { *steps = w.Steps }()
	return w.match(pattern, path)
}
