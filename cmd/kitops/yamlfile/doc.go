// Package yamlfile reads YAML with the place of every mistake.
//
// A decoder stops at the first thing it does not like. A Reader walks the
// document instead, and collects all that is wrong with line and column, an
// unknown key with the one that was meant. Before the parser sees a document,
// what would cost it too much is refused: whoever wrote it may be a stranger.
package yamlfile
