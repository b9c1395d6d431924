// Package refs is the gate through which foreign names pass: checked, then
// selected by patterns.
package refs
