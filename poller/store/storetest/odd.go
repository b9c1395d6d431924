package storetest

// OddKeys returns keys that are hard to keep apart from YAML, from paths, or from each other.
func OddKeys() []string {
	return []string{
		"plain", "with space", " leading", "trailing ", "a: b", "a:b", "a #b", "#a", "!a", "&a", "*a", "- a", "-", "?", "? a", "|", ">", "<<", "=", "%a", "@a", "`a",
		"null", "Null", "~", "true", "yes", "No", "off", "y", "1", "01", "0x12", "0o7", "1e3", "1234567e10", ".inf", ".NaN", "1:30", "2024-01-02", "1_000", "+1", "-1", ".", "..",
		"'", `"`, "''", `\`, `\n`, `a"b`, "a'b", "[a]", "{a}", "a,b", "[", "}", "---", "...", "refs/heads/main", "/", "//", "a/../b", "tasks", "version",
		"ünï", "日本", "😀", "a\nb", "a\tb", "a\rb", "\x00", "\u0085", "\u2028", "\ufeff", "\u00a0", "\u202e", "A", "a",
	}
}

// OddDocuments returns YAML whose meaning is easily lost.
func OddDocuments() []string {
	return []string{
		"{}", "{a: {}}", "a: []", "a:", "a: ~", "a: null", "a: \"null\"", "a: 1", "a: \"1\"", "a: 1.0", "a: 0x12", "a: \"0x12\"", "a: \"1234567e10\"", "a: '00012'",
		"a: true", "a: \"true\"", "a: yes", "a: \"\"", "a: ' '", "a: ' lead'", "a: \"trail \"", "a: \"x: y\"", "a: \"x #y\"", "a: \"#\"", "a: .inf", "a: -1", "a: 1_000",
		"a: 2024-01-02T03:04:05Z", "a: https://example.com/x?y=z#f", "a: git@example.com:x/y",
		"a: |\n  one\n  two\n", "a: |-\n  one\n   two\n\n  three", "a: |+\n  one\n\n", "a: >\n  one\n  two\n\n  three\n", "a: |2\n    indented\n  less\n",
		"a: \"one\\ntwo\\n\"", "a: \"\\ttab\\r\\n\"", "a: one\n  two", "a: \"\\u0000\\u0007\\u2028\\U0001F600\"", "a: \"\\x41\\x85\"", "a: 'it''s'",
		"a:\n- 1\n- [2, [3, {b: c}]]\n- - 4\n  - 5\n- d: 6\n  e:\n  - 7\n-\n", "\"a b\": 1\n\"#\": 2\n\"\": 3\n\"null\": 4\n\"1\": 5\n\"x: y\": 6\n'!': 7\n",
		"b: 1\na: 2 # comment\n# another\nc: {f: g, d: e}\n", "---\na: 1\n",
		"refs:\n  refs/heads/main:\n    applied: \"1234567890123456789012345678901234567890\"\n    run: {id: 01HZX, reason: \"exit status 1: ünï\"}\n",
	}
}
