// Draws a Vega-Lite chart as SVG, without a canvas: widths of texts are estimated. In JavaScript, since its packages are
// those of this folder's package.json, which the compiler of the project does not see.
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

export async function draw(spec) {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
