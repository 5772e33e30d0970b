package world

import "fmt"

// maxTariffs limits a network file.
const maxTariffs = 1024

type tariffFile struct {
	Class string `yaml:"class"`
	From  string `yaml:"from"`
	To    string `yaml:"to"`
	Cents uint32 `yaml:"cents"`
}

// minutesCovered says for which minutes of the day each class has a tariff.
type minutesCovered [classes][24 * 60]bool

// readTariffs gives each toll gantry all tariffs.
func readTariffs(src source, files []tariffFile, n *Network) error {
	if err := checkCount(src, "tariffs", len(files), 0, maxTariffs); err != nil {
		return err
	}
	var covered minutesCovered
	var rates []Tariff
	for i, tf := range files {
		r, err := readTariff(src, fmt.Sprintf("tariffs[%d]", i), tf, &covered)
		if err != nil {
			return err
		}
		rates = append(rates, r)
	}
	for _, d := range n.Devices {
		if d.Kind != Toll {
			continue
		}
		if err := covered.check(src); err != nil {
			return err
		}
		for _, r := range rates {
			r.StationID = d.StationID
			n.Tariffs = append(n.Tariffs, r)
		}
	}
	return nil
}

func readTariff(src source, path string, tf tariffFile, covered *minutesCovered) (Tariff, error) {
	from, okFrom := parseClock(tf.From)
	to, okTo := parseClock(tf.To)
	r := Tariff{Class: parseClass(tf.Class), FromMinute: uint16(from), ToMinute: uint16(to), Cents: tf.Cents}
	switch {
	case r.Class == 0:
		return r, src.fault(path+".class", "is %s, must be car, van, truck, bus, motorcycle or other", quoted(tf.Class))
	case !okFrom:
		return r, src.fault(path+".from", "is %s, must be a time of day as 06:30", quoted(tf.From))
	case !okTo || to <= from || to > 24*60:
		return r, src.fault(path+".to", "is %s, must be a time of day after from, at most 24:00", quoted(tf.To))
	case tf.Cents > 1_000_000:
		return r, src.fault(path+".cents", "is %d, must be at most 1000000", tf.Cents)
	}
	for m := from; m < to; m++ {
		if covered[r.Class][m] {
			return r, src.fault(path+".from", "%02d:%02d has a tariff for %s already", m/60, m%60, tf.Class)
		}
		covered[r.Class][m] = true
	}
	return r, nil
}

func (c *minutesCovered) check(src source) error {
	for class := Car; class < classes; class++ {
		for m, ok := range c[class] {
			if !ok {
				return src.fault("tariffs", "no tariff for %s at %02d:%02d, and there are toll gantries", class, m/60, m%60)
			}
		}
	}
	return nil
}
