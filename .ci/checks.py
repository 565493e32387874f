"What must stay true of modules and notebooks."
import ast, io, json, re, statistics, subprocess, sys, tokenize
from pathlib import Path

root = Path(__file__).resolve().parent.parent
problems = []

# code to be read aloud: what a notebook exports is measured
NOT_YET = [] # Notebooks that are not cut yet; the list may only shrink

def code_of(nb, exported=True):
    "Cells of code that are exported, or are not, without directives and empty lines"
    for cell in nb['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code' or bool(re.search(r'^#\|\s*exports?\b', source, re.M)) != exported: continue
        lines = [l for l in source.splitlines() if l.strip() and not l.startswith('#|')]
        if lines: yield lines

def two_statements(lines):
    "Lines on which a semicolon divides statements (not those in texts)"
    try: tokens = list(tokenize.generate_tokens(io.StringIO('\n'.join(lines)).readline))
    except tokenize.TokenError: return 0
    return len({t.start[0] for t in tokens if (t.type, t.string) == (tokenize.OP, ';')})

def too_dense(nb):
    "Which measures of its exported code a notebook misses"
    cells = list(code_of(nb)); lines = sum(cells, [])
    if not lines: return []
    wide, crowded, middle = sum(len(l) > 100 for l in lines), sum(map(two_statements, cells)), statistics.median(map(len, cells))
    return [*([f'{wide} of {len(lines)} exported lines are longer than 100 columns'] if wide > max(1, .03*len(lines)) else []),
            *([f'{crowded} of {len(lines)} exported lines hold two statements'] if crowded > max(1, .02*len(lines)) else []),
            *([f'the median exported cell has {middle:g} lines, more than 12'] if middle > 12 else [])]

crowded = dict(cells=[dict(cell_type='code', source=['#| exports\n', *['a = 1; b = 2 # ' + 'long '*20 + '\n']*13])]) # on which every measure must speak
assert len(too_dense(crowded)) == 3, too_dense(crowded)

# notebooks: order, size, no errors stored
order = {}
for path in sorted((root/'nbs').rglob('*.ipynb')):
    nb, kb = json.loads(path.read_text()), path.stat().st_size/1024
    if kb > 300: problems.append(f'{path.name} is {kb:.0f} KB, more than 300')
    for cell in nb['cells']:
        if any(o.get('output_type') == 'error' for o in cell.get('outputs', [])): problems.append(f'{path.name} stores an error')
        pictures = any(k.startswith('image/') for o in cell.get('outputs', []) for k in o.get('data', {}))
        if pictures and not re.search(r'^#\|\s*(fig-alt: .|fig-cap: .|hide$|hide\s|include: false)', ''.join(cell['source']), re.M): problems.append(f'{path.name}, cell {cell["id"]}: a picture without a line #| fig-alt: "what it shows"')
        if cell['cell_type'] == 'code' and re.search(r'^\s*%', ''.join(cell['source']), re.M): problems.append(f'{path.name}, cell {cell["id"]}: nbdev drops lines that begin with % from the page; write !pip')
        m = re.search(r'#\|\s*default_exp (\S+)', ''.join(cell['source']))
        if m: order[m[1]] = path.stem
    listed = path.stem in NOT_YET
    if not listed: problems += [f'{path.name}: {m}' for m in too_dense(nb)]
    elif not too_dense(nb): problems.append(f'{path.name} is cut: take it off the list in .ci/checks.py')
    title = next(''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
    if any(l.strip() and not re.match(r'#\s|>\s|-\s+\S.*:.*\S', l) for l in title.splitlines()): problems.append(f'{path.name}: of the first text cell nbdev keeps title and claim only; put the introduction into a cell of its own')

# a folder of a model has its weights, in the repository too (an ignore rule once left them out)
kept = set(subprocess.run(['git', 'ls-files'], capture_output=True, text=True, cwd=root).stdout.split())
for path in root.rglob('model_index.json'):
    if any(part in ('.venv', 'build', '_proc') for part in path.parts): continue
    for part in ('unet', 'vae', 'text_encoder'):
        folder = (path.parent/part).relative_to(root)
        if not any(name.startswith(f'{folder}/') and name.endswith('.safetensors') for name in kept): problems.append(f'{folder} has no weights in the repository')

# every console command runs in CI
for command in re.findall(r'(\w+)=perfusion_nb\.cli:', (root/'settings.ini').read_text()):
    if not re.search(rf'^{command} ', (root/'.ci/commands').read_text(), re.M): problems.append(f'.ci/commands does not run {command}')

# modules import only those before them, in the order of the notebooks
lib = root/'perfusion_nb'
def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module: yield node.module.split('.')[0] # nbdev exports `from .gate import …`
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith('perfusion_nb.'): yield node.module.split('.')[1]
        if isinstance(node, ast.Import): yield from (a.name.split('.')[1] for a in node.names if a.name.startswith('perfusion_nb.'))
for name, stem in order.items():
    if name in ('__init__', 'all', 'cli'): continue
    for other in imports(ast.parse((lib/f'{name}.py').read_text())):
        if order.get(other, '') >= stem: problems.append(f'{name} imports {other}, which comes later')

# every module alone in a fresh process; the maths needs torch alone
def fresh(code): return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd='/')
for name in order:
    r = fresh(f'import perfusion_nb.{name}' if name != '__init__' else 'import perfusion_nb')
    if r.returncode: problems.append(f'{name} does not import alone: {r.stderr.strip().splitlines()[-1]}')
for name in 'basics rome covariance gate keylock'.split():
    r = fresh(f'import perfusion_nb.{name}, sys; print(*{{"diffusers", "transformers", "open_clip"}} & set(sys.modules))')
    if r.returncode or r.stdout.strip(): problems.append(f'{name} imports {r.stdout.strip() or "with an error"}')
for code in ('from perfusion_nb.all import *; Perfusion.learn', 'from perfusion_nb import Perfusion; Perfusion.learn'):
    if fresh(code).returncode: problems.append(f'fails in a fresh process: {code}')
sys.exit('\n'.join(problems) or 0)
