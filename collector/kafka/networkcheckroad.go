package kafka

import (
	"fmt"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func (c *networkCheck) node(path string, o *gantryv1.Node) {
	if o.ValidFromUs == 0 {
		o.ValidFromUs = c.n.ValidFromUs
	}
	what := fmt.Sprintf("node %q", o.NodeId)
	c.ranges(path, what, o)
	c.id(path, what, o.NodeId)
	c.once(path, what, nodeKey(o))
	c.validFrom(path, what, o.ValidFromUs)
	c.onEarth(path, what, o.LongitudeE7, o.LatitudeE7)
	c.nodes[o.NodeId] = true
}

func (c *networkCheck) link(path string, l *gantryv1.Link) {
	if l.ValidFromUs == 0 {
		l.ValidFromUs = c.n.ValidFromUs
	}
	what := fmt.Sprintf("link %q", l.LinkId)
	c.ranges(path, what, l)
	c.id(path, what, l.LinkId)
	c.once(path, what, linkKey(l))
	c.validFrom(path, what, l.ValidFromUs)
	for _, end := range []struct{ field, node string }{{"from_node", l.FromNode}, {"to_node", l.ToNode}} {
		if end.node != "" && !c.nodes[end.node] {
			c.add(path, "%s has %s %q, which the file does not have: add the node or correct %s", what, end.field, end.node, end.field)
		}
	}
	if l.FromNode == l.ToNode && l.FromNode != "" {
		c.add(path, "%s leads from node %q to itself: correct to_node, or split the link", what, l.FromNode)
	}
	if len(l.Points) == 1 {
		c.add(path, "%s has a single point, which is no line: give two or more points, or none", what)
	}
	for i, p := range l.Points {
		c.onEarth(fmt.Sprintf("%s.points[%d]", path, i), fmt.Sprintf("point %d of %s", i, what), p.LongitudeE7, p.LatitudeE7)
	}
	// Of several versions the longest, for a station may belong to any.
	c.linkLengths[l.LinkId] = max(c.linkLengths[l.LinkId], l.LengthM)
}
