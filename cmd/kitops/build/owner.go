package build

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ownerLimit is how long a package manager may take to answer. One that is at
// work has its database locked.
const ownerLimit = 10 * time.Second

// Owner is who installed the program, if that is somebody who would put it back
// or not know of another; command is how it brings a newer one. Both are "" for
// a file that is nobody's.
func (b Build) Owner(ctx context.Context) (by, command string) {
	if by, command = b.evident(); by == "" {
		by, command = b.byDatabase(ctx)
	}
	return by, command
}

// evident is the owner that nobody has to be asked for.
func (b Build) evident() (by, command string) {
	switch {
	case b.Info != nil && b.Info.Main.Sum != "": // only a module that was downloaded has one
		return "go install", "go install " + module + "@latest"
	case b.contained():
		return "a container image", "pull a newer image by its tag, then start a new container"
	}
	return byPath(filepath.ToSlash(b.Program))
}

// byPath knows the folders that belong to package managers.
func byPath(program string) (by, command string) {
	has := func(part string) bool { return strings.Contains(strings.ToLower(program), part) }
	switch {
	case has("/cellar/"), has("/caskroom/"):
		return "Homebrew", "brew upgrade kitops"
	case has("/scoop/apps/"):
		return "Scoop", "scoop update kitops"
	case strings.HasPrefix(program, "/nix/store/"):
		return "Nix", "nix profile upgrade kitops"
	case has("/mise/installs/"):
		return "mise", "mise upgrade kitops"
	case strings.HasPrefix(program, "/snap/"):
		return "snap", "snap refresh kitops"
	}
	return "", ""
}

// packaged tells whether a file is where packages put theirs: asking takes time.
func packaged(program string) bool {
	for _, folder := range []string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/opt/"} {
		if strings.HasPrefix(program, folder) {
			return true
		}
	}
	return false
}

// byDatabase asks the package managers of this machine whose the file is.
func (b Build) byDatabase(ctx context.Context) (by, command string) {
	if !filepath.IsAbs(b.Program) {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, ownerLimit)
	defer cancel()
	for _, manager := range []struct {
		by, program string
		args        []string
		command     string
	}{
		{"dpkg", "dpkg-query", []string{"--search"}, "apt-get install ./kitops_VERSION_ARCH.deb"},
		{"rpm", "rpm", []string{"--query", "--file"}, "rpm --upgrade kitops_VERSION_ARCH.rpm"},
		{"apk", "apk", []string{"info", "--who-owns"}, "apk add ./kitops_VERSION_ARCH.apk"},
	} {
		path, err := exec.LookPath(manager.program)
		if err != nil {
			continue
		}
		if exec.CommandContext(ctx, path, append(manager.args, b.Program)...).Run() == nil {
			return manager.by, manager.command
		}
	}
	return "", ""
}
