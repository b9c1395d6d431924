package service

import (
	"crypto/sha1" //nolint:gosec // Windows names its services by it
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

const windowsName = "kitops"

// HostCommand is what the service manager of Windows has kitops be called with; the log
// file and the agent's own arguments follow. It is for nobody else.
const HostCommand = "windows-service"

// placesWindows are those of the one service that kitops is there.
func (s *Service) placesWindows() (places, error) {
	programs, data := s.variable("ProgramFiles"), s.variable("ProgramData")
	if programs == "" || data == "" {
		return places{}, settings.Mistake("the variables ProgramFiles and ProgramData do not say where the files of a service are")
	}
	base := filepath.Join(data, "kitops")
	state := filepath.Join(base, "state")
	return places{
		Unit: "service " + windowsName, Program: filepath.Join(programs, "kitops", "kitops.exe"), Config: filepath.Join(base, "tasks.yaml"),
		State: filepath.Join(state, "state.yaml"), RepoDir: filepath.Join(state, "repos"), App: base, Log: filepath.Join(state, "kitops.log"),
	}, nil
}

// argsWindows are what the service manager hands to the program.
func argsWindows(p places) []string {
	return []string{HostCommand, p.Log, "--config-file", p.Config, "--state-file", p.State, "--repo-dir", p.RepoDir}
}

// environWindows are the service's own variables.
func environWindows(p places) []string {
	own := []string{"APPDATA=" + filepath.Dir(p.App)}
	if p.API != "" {
		own = append(own, "KITOPS_GITHUB_API_URL="+p.API)
	}
	return own
}

// sidOf is the security identifier of a service's account, which Windows makes of its name: the
// digest of the name in capitals.
func sidOf(service string) string {
	var name []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(service))) {
		name = binary.LittleEndian.AppendUint16(name, unit)
	}
	sum := sha1.Sum(name) //nolint:gosec // see above
	sid := "S-1-5-80"
	for part := range 5 {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum[part*4:]))
	}
	return sid
}
