package history

// Config is what flags and variables say about the history.
type Config struct {
	Dir  string `env:"HISTORY" usage:"directory for what ran and what it printed, or off for none" value:"DIR" default:"STATE_FILE.history"`
	Keep Keep   `env:"HISTORY_KEEP" usage:"how much of it is kept: a number of runs, an age, a size, each optional" value:"LIMITS"`
}

// off is the Dir of no history.
const off = "off"

// At is the directory of the history of an agent with this state file, "" for none:
// it is off, or there is no such file to be beside.
func (c Config) At(state string) string {
	switch {
	case c.Dir == off, c.Dir == "" && state == "":
		return ""
	case c.Dir == "":
		return state + ".history"
	}
	return c.Dir
}
