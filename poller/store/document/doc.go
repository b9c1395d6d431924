// Package document is the text of documents.
//
// A document is one YAML mapping. Stores keep what it means, not how it was written: in its canonical form keys are sorted,
// comments are dropped, and anchors, aliases, tags, merge keys and complex keys are refused, so that no document means more
// than it shows. Blocks are what a larger text is read by, without ever parsing more than one of them.
package document
