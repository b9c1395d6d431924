// Package status tells the world how a run stands.
package status
