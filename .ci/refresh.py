"Run notebooks and keep their outputs (small pictures; slow cells only with --slow), then export and clean: python .ci/refresh.py nbs/03_gate.ipynb …"
import base64, io, os, subprocess, sys
from pathlib import Path
from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell
from PIL import Image

def small(png):
    "A picture with a palette, if that is smaller"
    raw = base64.b64decode(png); out = io.BytesIO()
    Image.open(io.BytesIO(raw)).convert('RGB').quantize(192, dither=0).save(out, 'PNG', optimize=True)
    return base64.b64encode(min(raw, out.getvalue(), key=len)).decode()

for path in [Path(a).resolve() for a in sys.argv[1:] if a != '--slow']:
    subprocess.run(['nbdev_export'], check=True); nb = read_nb(path)
    os.chdir(path.parent)
    skip = lambda c: c.cell_type != 'code' or ('#| slow' in c.source and '--slow' not in sys.argv) or any(f'#| {flag}' in c.source for flag in ('weights', 'cuda', 'network'))
    for cell in nb.cells:
        if not skip(cell): cell.outputs = []
    CaptureShell(path).run_all(nb, exc_stop=True, preproc=skip)
    for cell in nb.cells:
        for o in cell.get('outputs', []) if cell.cell_type == 'code' else []:
            data = o.get('data') or {}
            if 'image/png' in data: p = data['image/png']; data['image/png'] = small(''.join(p) if isinstance(p, list) else p)
    write_nb(nb, path)
    subprocess.run(['nbdev_clean', '--fname', str(path)], check=True)
    print(path.name, f'{path.stat().st_size/1024:.0f} KB')
