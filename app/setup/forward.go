package setup

import (
	"errors"
	"fmt"
	"html/template"
	"os"
)

// forward makes a page, a file that nobody else can read, which leads to an address: whoever knows the address can register
// an App, and every user of a host sees the command lines of browsers.
func forward(dir, address string) (page string, err error) {
	parsed, err := template.ParseFS(files, "pages/forward.html")
	if err != nil {
		return "", fmt.Errorf("pages: %w", err)
	}
	file, err := os.CreateTemp(dir, ".kitops-setup-*.html") // 0600
	if err != nil {
		return "", fmt.Errorf("make a page for the browser: %w", err)
	}
	err = errors.Join(parsed.Execute(file, address), file.Close())
	if err != nil {
		return "", errors.Join(fmt.Errorf("make a page for the browser: %w", err), os.Remove(file.Name()))
	}
	return file.Name(), nil
}
