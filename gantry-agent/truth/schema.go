package truth

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// SchemaCmd is `gantry-agent world schema`.
type SchemaCmd struct {
	Kind string `arg:"" enum:"network,scenario,interventions" help:"Kind of file: network, scenario or interventions."`
}

// Run prints the schema.
func (c *SchemaCmd) Run(k *kong.Context) error { return toOutput(k.Stdout, c.write) }

func (c *SchemaCmd) write(out io.Writer) error {
	text, ok := world.Schema(c.Kind)
	if !ok {
		return fmt.Errorf("there is no schema for a %s file", c.Kind)
	}
	_, err := out.Write(text)
	return err
}
