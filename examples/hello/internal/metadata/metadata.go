// Package metadata says which source this program was made from; the linker fills it in.
package metadata

var (
	gitCommit string
	gitBranch string
	isDirty   string
	buildTime string
	version   string
)

// Build is what is known about the making of this program.
type Build struct {
	Commit  string `json:"commit"`
	Branch  string `json:"branch"`
	Dirty   bool   `json:"dirty"`
	Time    string `json:"time"`
	Version string `json:"version"`
}

// Current returns the build that runs.
func Current() Build {
	return Build{
		Commit:  gitCommit,
		Branch:  gitBranch,
		Dirty:   isDirty == "true",
		Time:    buildTime,
		Version: version,
	}
}
