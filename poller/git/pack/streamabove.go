//go:build !race

package pack

// StreamAbove is how many bytes a blob has at most that is held in memory;
// larger ones go to their file in pieces.
const StreamAbove = 4 << 20
