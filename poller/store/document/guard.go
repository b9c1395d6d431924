package document

import (
	"fmt"
	"maps"

	"github.com/goccy/go-yaml/token"
)

// guard refuses what could make a small text large or deep, before the parser recurses into it.
func guard(tokens token.Tokens) error {
	line, flow, effort, wide := 0, 0, 0, map[int]int{} // keys by column, of the mappings that are open
	for _, t := range tokens {
		refuse := ""
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			refuse = "anchors, aliases and merge keys are not allowed"
		case token.TagType, token.DirectiveType:
			refuse = "tags and directives are not allowed"
		case token.MappingKeyType:
			refuse = "complex keys are not allowed"
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		}
		if keys := keysIn(wide, t, flow > 0); keys > 0 {
			effort += keys
			switch {
			case keys > maxWide:
				refuse = fmt.Sprintf("more than %d keys in one mapping", maxWide)
			case open(wide) > maxOpen:
				refuse = fmt.Sprintf("more than %d keys in mappings within each other", maxOpen)
			case effort > maxEffort:
				refuse = "too many mappings of many keys"
			}
		}
		nests := t.Type == token.SequenceEntryType || t.Position.Line > line && t.Type != token.CommentType
		if flow > maxDepth || nests && t.Position.Column > maxColumn {
			refuse = "nested too deeply"
		}
		if refuse != "" {
			return &SyntaxError{t.Position.Line, refuse}
		}
		line = t.Position.Line
	}
	return nil
}

// open counts the keys of all mappings that are open.
func open(wide map[int]int) (all int) {
	for _, keys := range wide {
		all += keys
	}
	return all
}

// keysIn counts the keys of the mapping that a token is in, by their column. Those
// within brackets count together.
func keysIn(wide map[int]int, t *token.Token, flow bool) int {
	column := 0
	switch {
	case flow && t.Type != token.MappingValueType:
		return 0
	case flow:
	case t.Type == token.MappingValueType && t.Prev != nil:
		column = t.Prev.Position.Column
		maps.DeleteFunc(wide, func(other, _ int) bool { return other > column })
	case t.Type == token.SequenceEntryType: // another mapping begins
		maps.DeleteFunc(wide, func(other, _ int) bool { return other > t.Position.Column })
		return 0
	default:
		return 0
	}
	wide[column]++
	return wide[column]
}
