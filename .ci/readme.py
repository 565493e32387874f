"Write README.md from nbs/index.ipynb: markdown as it is, code with its printed output, pictures as files. `--check` only compares."
import base64, json, re, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def text_of(x): return ''.join(x) if isinstance(x, list) else x

def readme():
    "README text and the pictures it shows"
    out, pictures = [], {}
    for cell in json.loads((root/'nbs/index.ipynb').read_text())['cells']:
        src = text_of(cell['source'])
        if cell['cell_type'] == 'markdown':
            out.append(re.sub(r'\]\((?!https?:|#)', '](nbs/', src)); continue
        if '#| hide' in src: continue
        alt = re.search(r'^#\|\s*fig-(?:alt|cap): "?(.*?)"?$', src, re.M)
        code = re.sub(r'^#\|.*\n', '', src, flags=re.M); out.append(f'```python\n{code}\n```')
        for o in cell.get('outputs', []):
            data = o.get('data', {})
            if 'image/png' in data:
                name = f'nbs/readme_{len(pictures)}.png'; pictures[name] = base64.b64decode(text_of(data['image/png'])); out.append(f'![{alt[1] if alt else ""}]({name})')
            elif 'text/plain' in data: out.append('```\n' + text_of(data['text/plain']).rstrip() + '\n```')
    return '\n\n'.join(out) + '\n', pictures

if __name__ == '__main__':
    text, pictures = readme()
    files = {'README.md': text.encode(), **pictures}
    if '--check' in sys.argv:
        stale = [n for n, data in files.items() if not (root/n).is_file() or (root/n).read_bytes() != data]
        sys.exit(f'stale: {", ".join(stale)}; run python .ci/readme.py' if stale else 0)
    for n, data in files.items(): (root/n).write_bytes(data)
