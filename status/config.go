package status

// Config is what flags and variables say about telling the world. Context is
// the default of tasks that name none.
type Config struct {
	Context   string `env:"GITHUB_STATUS_CONTEXT" usage:"context of the commit statuses, or off for none (default: kitops/TASK)" value:"CONTEXT"`
	TargetURL string `env:"STATUS_URL" usage:"where a commit status links to; {task}, {sha} and {run} are filled in" value:"URL"`
	Instance  string `env:"INSTANCE" usage:"name of this agent where several watch the same repository, in log lines and in the default status context" value:"NAME"`
	LogFormat string `env:"LOG_FORMAT" usage:"console (for people), text, journal (systemd's) or json (default: console on a terminal, journal where systemd reads it, else json)" value:"FORMAT"`
	LogLevel  string `env:"LOG_LEVEL" usage:"debug, info, warn or error" value:"LEVEL"`
}
