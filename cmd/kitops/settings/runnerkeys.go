package settings

// runnerKeys are those of a scale set.
type runnerKeys struct {
	Name        text                `key:"name" own:"yes" need:"yes" help:"Unique, among tasks, too. Jobs ask for it: runs-on: NAME."`
	URL         text                `key:"url" own:"yes" need:"yes" help:"The organization or the repository whose jobs run here: https://github.com/acme, or https://github.com/acme/shop alone."`
	Group       text                `key:"group" default:"Default" help:"The runner group of the organization that says which repositories may use it."`
	Max         count               `key:"max" range:"1-10000" default:"1" help:"How many runners there are together; on a shared store, on each instance."`
	Min         count               `key:"min" range:"0-10000" default:"0" help:"How many idle ones are kept ready beside the busy ones; on a shared store, on each instance."`
	Drain       span                `key:"drain" default:"10m" help:"How long jobs go on when kitops is stopped, before they are cancelled."`
	User        text                `key:"user" default:"--action-user" help:"Whom the jobs run as. kitops' own user is refused, unless this says same."`
	Public      text                `key:"public" values:"accept" help:"A public repository is refused without this: whoever opens a pull request there can have code run here."`
	GitHub      section[githubKeys] `key:"github" help:"The GitHub App, as in a task."`
	Workdir     text                `key:"workdir" help:"The directory in which GitHub's runner is installed, relative to the task file. Each runner gets a fresh copy."`
	MinFree     size                `key:"min_free" default:"2GB" help:"No runner is started with less room than this where the copies are."`
	Entrypoint  text                `key:"entrypoint" need:"run" help:"The program that takes the configuration in ACTIONS_RUNNER_INPUT_JITCONFIG: a path, or a name looked up in PATH."`
	Args        words               `key:"args" each:"argument" help:"Its arguments, as they are."`
	Run         text                `key:"run" not:"entrypoint,args" clash:"run is short for entrypoint and args: give either" help:"Command line for /bin/sh -c, instead of entrypoint and args: ./run.sh for GitHub's runner."`
	Limits      section[limitKeys]  `key:"limits" help:"What the processes of one runner may use together, as in a task. Where one cannot be set the agent does not start."`
	Environment variables           `key:"environment" help:"Variables for the runner. Nothing is expanded."`
	Inherit     boolean             `key:"inherit_environment" default:"false" help:"Give it the agent's environment but what concerns kitops."`
}
