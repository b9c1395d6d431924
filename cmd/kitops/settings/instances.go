package settings

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// isOneOf tells whether this instance is meant by one of the names, patterns and labels.
func (c Config) isOneOf(where []string) bool {
	labels, _ := ParseLabels(c.Poller.Labels) // check has judged them
	for _, entry := range where {
		if key, value, isLabel := strings.Cut(entry, "="); isLabel {
			if found, labelled := labels[key]; labelled && found == value {
				return true
			}
			continue
		}
		if matched, err := path.Match(entry, c.Status.Instance); err == nil && matched {
			return true
		}
	}
	return false
}

// checkWhere judges an entry of instances.
func checkWhere(entry string) error {
	if strings.Contains(entry, "=") {
		_, err := ParseLabels(entry)
		return err
	}
	if _, err := path.Match(entry, ""); err != nil || strings.TrimSpace(entry) == "" {
		return fmt.Errorf("%q is neither the name of an instance, nor a pattern such as gpu-*, nor a label such as zone=north", entry)
	}
	return nil
}

// ParseLabels reads k=v,k=v.
func ParseLabels(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	labels := map[string]string{}
	for entry := range strings.SplitSeq(text, ",") {
		key, value, is := strings.Cut(entry, "=")
		if !is || strings.TrimSpace(key) == "" {
			return nil, fmt.Errorf("%q is no label: write zone=north,disk=fast", entry)
		}
		if _, twice := labels[key]; twice {
			return nil, fmt.Errorf("the label %q is there twice", key)
		}
		if err := errors.Join(printable(key, maxName), printable(value, maxName)); err != nil {
			return nil, err
		}
		labels[key] = value
	}
	return labels, nil
}
