// Package webhook is where nudges come from.
package webhook
