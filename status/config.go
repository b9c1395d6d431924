package status

// Config is what flags and variables say about telling the world. Context is
// the default of tasks that name none.
type Config struct {
	Context   string `env:"GITHUB_STATUS_CONTEXT" usage:"context of the commit statuses, or off for none (default: kitops/TASK)" value:"CONTEXT"`
	Report    string `env:"GITHUB_REPORT" usage:"what a commit is told of a run: a commit status (status), a check run (check), or nothing (off)" value:"KIND"`
	DeployTo  string `env:"GITHUB_ENVIRONMENT" usage:"environment to which each run is told as a deployment, beside the commit status" value:"NAME"`
	DeployURL string `env:"GITHUB_ENVIRONMENT_URL" usage:"address of that environment; {task}, {ref}, {sha} and {run} are filled in" value:"URL"`
	Comment   string `env:"GITHUB_COMMENT" usage:"a file that runs write, below their directory, for one comment on the pull requests of their commit" value:"FILE"`
	TargetURL string `env:"STATUS_URL" usage:"where a commit status links to; {task}, {sha} and {run} are filled in" value:"URL"`
	Instance  string `env:"INSTANCE" usage:"name of this agent where several watch the same repository, in log lines and in the default status context" value:"NAME"`
	LogFormat string `env:"LOG_FORMAT" usage:"console (for people), text, journal (systemd's) or json (default: console on a terminal, journal where systemd reads it, else json)" value:"FORMAT"`
	LogLevel  string `env:"LOG_LEVEL" usage:"debug, info, warn or error" value:"LEVEL"`
}
