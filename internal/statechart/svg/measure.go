package svg

import "unicode/utf8"

// helvetica has the widths of the printable ASCII characters in thousandths of the size, as Helvetica and Arial have them.
var helvetica = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
	556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

// textWidth estimates the width of a text. Fonts differ a little, so there is some room in it.
func textWidth(text string, size float64, bold bool) float64 {
	total := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		if r >= ' ' && int(r-' ') < len(helvetica) {
			total += helvetica[r-' ']
		} else {
			total += 1000
		}
	}
	width := float64(total) / 1000 * size * 1.04
	if bold {
		width *= 1.07
	}
	return width
}
