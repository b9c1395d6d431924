package document

// IsCanonical is isCanonical.
func IsCanonical(text string) bool { return isCanonical(text) }

// ParsedCanonical is Canonical by the parser.
func ParsedCanonical(data []byte) ([]byte, error) {
	node, err := parse(string(data))
	if err != nil {
		return nil, err
	}
	return mapping(node)
}
