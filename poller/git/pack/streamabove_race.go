//go:build race

package pack

// StreamAbove is lower under the race detector: what is large enough to stream
// takes it a hundred times as long.
const StreamAbove = 256 << 10
