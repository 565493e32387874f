"Render docs/ without Quarto: nbdev processes the notebooks, smalldocs makes pages of them, `finish` makes the pages self-contained. `--check` renders elsewhere, compares, and looks for what a page must not have."
import ast, base64, filecmp, html, json, os, re, shutil, struct, subprocess, sys, tempfile
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
import yaml

root = Path(__file__).resolve().parent.parent
conf = ConfigParser(); conf.read(root/'settings.ini'); conf = conf['DEFAULT']
blob, home = f'{conf["git_url"]}/blob/{conf["branch"]}/', conf['doc_host'] + conf['doc_baseurl'] + '/'
colab = f'https://colab.research.google.com/github/{conf["user"]}/{conf["repo"]}/blob/{conf["branch"]}/'
icons = {'index': 'house', '12_train': 'graph-down', '17_package': 'box-seam', '18_all': 'boxes'} # on cards of pages without a picture
fences = re.compile(r'^(```.*?^```)$', re.M | re.S)
plain = lambda x: html.unescape(re.sub('<[^>]+>', '', x))

# Exported code on its page. nbdev shows the code of `#| exports` below its signature, and hides that of `#| export`.
# Here `#| exports` shows the code in place of the signature that it repeats, `#| export` (plumbing) folds it below.

def show_source(cell):
    "First processor: an exported cell that holds more than imports keeps its code"
    names = getattr(cell, 'directives_', {})
    if cell.cell_type != 'code' or not {'export', 'exports'} & names.keys() or 'hide' in names: return
    if all(isinstance(b, (ast.Import, ast.ImportFrom)) for b in cell.parsed_()): return
    cell.plumbing_ = 'export' in names
    names['exports'] = names.pop('export', [])

def add_fold(cell):
    "In place of nbdev's processor of this name, which folds every exported cell"
    if getattr(cell, 'plumbing_', False): cell.source = f'#| code-fold: true\n#| code-summary: "Source"\n{cell.source}'

def drop_signature(cell):
    "What `show_doc` says of a function, without the signature, which stands in the code below"
    for o in cell.get('outputs', []):
        text = o['data']['text/markdown']
        text = ''.join(text) if isinstance(text, list) else text
        o['data']['text/markdown'] = re.sub(r'^```python\n.*?^```\n+', '', text, count=1, flags=re.M | re.S)

class mv_exports:
    "In place of nbdev's processor of this name: the code stands below what is said of all its names, not only of the first"
    def __init__(self, nb): self.nb = nb
    def begin(self):
        cells, out = list(self.nb.cells), []
        while cells:
            cell, said = cells.pop(0), []
            if hasattr(cell, 'plumbing_'):
                while cells and getattr(cells[0], 'has_sd', False): said.append(cells.pop(0))
                for c in said if not cell.plumbing_ else []: drop_signature(c)
            out += [*said, cell]
        self.nb.cells = out

def process():
    "Notebooks to _proc/, by nbdev's own processors"
    os.chdir(root)
    from nbdev.processors import FilterDefaults
    from nbdev.serve import proc_nbs
    theirs, ours = FilterDefaults.base_procs, dict(add_fold=add_fold, mv_exports=mv_exports)
    FilterDefaults.base_procs = lambda self: [show_source, *(ours.get(p.__name__, p) for p in theirs(self))]
    shutil.rmtree(root/'_proc', ignore_errors=True); (root/'_proc').mkdir()
    return Path(proc_nbs(n_workers=0, force=True))

def parts():
    "Navigation: part → its pages, as _quarto.yml has them"
    sections = yaml.safe_load((root/'nbs/_quarto.yml').read_text())['website']['sidebar']['contents']
    return {s['section']: [Path(p).with_suffix('').as_posix() for p in s['contents']] for s in sections}

def render(proc, out):
    "_proc/ to pages in `out`"
    run = subprocess.run([Path(sys.executable).parent/'smalldocs', 'render', '--quiet', str(proc)], capture_output=True, text=True)
    for line in run.stderr.splitlines():
        if 'output-file is not read' not in line and 'html-math-method' not in line: print(line, file=sys.stderr)
    run.check_returncode()
    made = next(p for p in (proc/'_docs', root/'_docs') if p.is_dir())
    shutil.rmtree(out, ignore_errors=True); shutil.copytree(made, out); shutil.rmtree(made)
    finish(out, {p.relative_to(proc).with_name(m[1]).as_posix(): p.relative_to(proc).with_suffix('.html').as_posix() for p in proc.rglob('*.ipynb') if (m := re.search(r'output-file: ([^\s\\]+)', p.read_text()))})

def edit(path, *changes):
    "Replace in a file; what is not there is an error"
    text = path.read_text()
    for old, new in changes:
        assert old in text, f'{path.name} has no {old[:60]!r}'
        text = text.replace(old, new)
    path.write_text(text)

def offline(site):
    "No request leaves the site; search works from a folder too, where a page may not fetch"
    shutil.copytree(root/'.ci/katex', site/'katex', dirs_exist_ok=True)
    for css in site.rglob('*.css'): css.write_text(re.sub(r'@import url\((["\']?)https?://.*?\1\);?', '', css.read_text()))
    (site/'search.js').write_text('window.searchIndex = ' + (site/'search.json').read_text() + '\n'); (site/'search.json').unlink()
    edit(site/'site_libs/smalldocs.js', ('const r = await fetch(offset + "search.json");', '''await new Promise((yes, no) => { const s = document.createElement("script"); s.src = offset + "search.js"; s.onload = yes; s.onerror = no; document.head.append(s); });'''),
         ('index = await r.json();', 'index = window.searchIndex;'), ('threshold: 0.3', 'threshold: 0.1, useExtendedSearch: true'))
    sitemap = site/'sitemap.xml'; sitemap.write_text(re.sub(r'\s*<lastmod>.*?</lastmod>', '', sitemap.read_text()))

def picture(tag, files, up):
    "An inline picture as a file beside its page, with its size, so that the page does not jump"
    inline = re.search(r'src="data:image/png;base64,([^"]+)"', tag)
    if not inline: return tag
    data = base64.b64decode(inline[1]); w, h = struct.unpack('>II', data[16:24]); tag = tag.replace('<img', f'<img width="{w}" height="{h}" loading="lazy"', 1)
    return tag.replace(inline[0], f'src="{files[data]}"') if data in files else tag

def finish(site, names):
    "What smalldocs leaves open: files instead of inline pictures, links of nbdev, Colab and source, the current part, cards"
    offline(site); nav = parts(); cards = {}
    pages = {p.relative_to(site).with_suffix('').as_posix(): p for p in sorted(site.rglob('*.html'))}
    for name, page in pages.items():
        up, text = '../'*name.count('/'), page.read_text()
        files = {f.read_bytes(): f'{page.stem}_files/{f.name}' for f in sorted((page.parent/f'{page.stem}_files').glob('*.png'), reverse=True)}
        text = re.sub(r'https://cdn\.jsdelivr\.net/npm/katex@[^/"]*/dist/', f'{up}katex/', text)
        text = re.sub(r'\[`([^`\n]+)`\]\(' + re.escape(home) + r'[^)\s]*\)', r'\1', text) # in the comments of a signature
        text = re.sub(f'href="{re.escape(home)}([^"#]+)', lambda m: f'href="{up}{names.get(m[1], m[1])}', text)
        text = re.sub(r'(<figure class="figure">\s*<p>)<img (?![^>]*\balt=)([^>]*></p>\s*<figcaption>(.*?)</figcaption>)', lambda m: f'{m[1]}<img alt="{html.escape(plain(m[3]))}" {m[2]}', text, flags=re.S)
        text = re.sub(r'<img [^>]*>', lambda m: picture(m[0], files, up), text)
        part = next((k for k, v in nav.items() if name in v), None)
        text = re.sub(rf'class="nav-link( active)?"([^>]*><span class="menu-text">{part}</span>)', r'class="nav-link active"\2', text)
        links = [(colab + f'nbs/{name}.ipynb', 'play-circle', 'Open in Colab'), (blob + f'nbs/{name}.ipynb', 'code-slash', 'Source'), (f'{page.stem}.llms.md', 'markdown', 'Markdown')]
        bar = ''.join(f'<a href="{h}"><i class="bi bi-{i}" aria-hidden="true"></i> {t}</a>' for h, i, t in links)
        text = text.replace('<div class="quarto-title-meta"></div></header>', f'<p class="page-links">{bar}</p></header>', 1)
        if name == 'index': text = text.replace('<body class="', '<body class="landing ', 1)
        page.write_text(text)
        title, says = re.search(r'<h1 class="title">(.*?)</h1>', text), re.search(r'<div class="description">(.*?)</div>', text, re.S)
        first = re.search(r'<img [^>]*src="([^"]+)"', text[text.index('<main'):])
        cards[name] = plain(title[1]), plain(says[1]) if says else '', first and urljoin(f'{name}.html', first[1])
    def card(name):
        title, says, src = cards[name]
        top = f'<img class="beside-its-title" src="{src}" alt="" loading="lazy">' if src and not src.startswith('data:') else f'<i class="bi bi-{icons.get(name, "file-text")}" aria-hidden="true"></i>'
        return f'<a class="page-card" href="{name}.html"><span class="page-card-top">{top}</span><b>{html.escape(title)}</b><span>{html.escape(says)}</span></a>'
    rows = ''.join(f'<h3 class="cards-title">{k}</h3><div class="cards">{"".join(card(n) for n in v if n in cards and n != "index")}</div>' for k, v in nav.items())
    index = site/'index.html'; text = index.read_text(); assert '<!-- cards -->' in text, 'nbs/index.ipynb has no place for the cards'
    index.write_text(re.sub(r'<!-- cards -->\s*(<div class="sd-table">.*?</table>\s*</div>)?', lambda m: rows, text, count=1, flags=re.S))
    head = (site/'llms.txt').read_text().split('## Pages')[0]
    lines = [f'## {k}\n\n' + '\n'.join(f'- [{cards[n][0]}]({home}{n}.llms.md): {cards[n][1]}' for n in v if n in cards) for k, v in nav.items()]
    (site/'llms.txt').write_text(head + '\n\n'.join(lines) + '\n')
    for md in site.rglob('*.llms.md'):
        text = re.sub(re.escape(home) + r'([^)\s#"]+)', lambda m: home + names.get(m[1], m[1]), md.read_text())
        md.write_text(''.join(x if x.startswith('```') else re.sub(r'\]\(([^):\s]+)\.ipynb(?=[#)])', r'](\1.llms.md', x) for x in fences.split(text))) # links in outputs

class Page(HTMLParser):
    "Ids, links, files loaded, and pictures without words of one page"
    def __init__(self, text): super().__init__(); self.ids, self.links, self.loads, self.mute = {''}, set(), set(), 0; self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs); self.ids |= {a[k] for k in ('id', 'name') if a.get(k)}
        if tag == 'a' and a.get('href'): self.links.add(a['href'])
        if tag in ('img', 'script', 'iframe', 'source', 'video') and a.get('src'): self.loads.add(a['src'])
        if tag == 'link' and a.get('href'): self.loads.add(a['href'])
        if tag == 'img' and not a.get('alt') and a.get('class') != 'beside-its-title': self.mute += 1

def broken(site, pages):
    "Links that lead nowhere: to files, to anchors, to the repository"
    for name, page in pages.items():
        for link in sorted(page.links | page.loads):
            for prefix in (blob, colab):
                if link.startswith(prefix) and not (root/unquote(urlsplit(link[len(prefix):]).path)).exists(): yield f'{name}: {link}'
            url = urlsplit(link[len(home):] if link.startswith(home) else link); base = '' if link.startswith(home) else name
            if url.scheme or url.netloc: continue
            path = unquote(urlsplit(urljoin(base, url.path)).path) if url.path else name
            target = path + 'index.html' if not path or path.endswith('/') else path
            if not (site/target).is_file() or target in pages and unquote(url.fragment) not in pages[target].ids: yield f'{name}: {link}'
    for f in sorted(site.rglob('*.md')):
        for link in re.findall(r'(?<!`)\]\(([^)\s]+)\)', ''.join(x for x in fences.split(f.read_text()) if not x.startswith('```'))):
            u = urlsplit(link[len(home):] if link.startswith(home) else link); at = site if link.startswith(home) else f.parent
            if not u.scheme and not u.netloc and '.' in u.path and not (at/unquote(u.path)).exists(): yield f'{f.name}: {link}'
    for link in re.findall(r'\]\(([^)\s]+)\)', (root/'README.md').read_text()):
        if not urlsplit(link).scheme and not link.startswith('#') and not (root/link).exists(): yield f'README.md: {link}'

def sources(name):
    "Public functions and classes of a module (methods that are patched on too), each as it is written"
    text = (root/f'perfusion_nb/{name}.py').read_text()
    found = [n for n in ast.parse(text).body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith('_')]
    return {n.name: ast.get_source_segment(text, n) for n in found}

def hidden_code(site):
    "Public functions whose code does not stand, line by line, on the page of their notebook and in its Markdown"
    for nb in sorted((root/'nbs').rglob('*.ipynb')):
        name = re.search(r'#\|\s*default_exp (\w+)', nb.read_text())
        if not name or name[1] == '__init__': continue
        page = site/nb.relative_to(root/'nbs').with_suffix('.html')
        if not page.is_file(): continue # said elsewhere
        for form, text in (('page', plain(page.read_text())), ('Markdown', page.with_suffix('.llms.md').read_text())):
            yield from (f'{name[1]}.{f}: not in the {form}' for f, source in sources(name[1]).items() if source not in text)

def problems(site):
    "What a reader must not meet"
    pages = {str(p.relative_to(site)): Page(p.read_text()) for p in sorted(site.rglob('*.html'))}
    texts = {n: (site/n).read_text() for n in pages}
    named = {f'{p}.html' for v in parts().values() for p in v}
    return dict(broken_links=list(broken(site, pages)),
        third_party=[f'{n}: {l}' for n, p in pages.items() for l in p.loads if urlsplit(l).netloc] + [str(c.relative_to(site)) for c in site.rglob('*.css') if re.search(r'(@import|url\()\s*["\']?https?:', c.read_text())],
        no_alt_text=[f'{n}: {p.mute}' for n, p in pages.items() if p.mute], errors=[n for n, t in texts.items() if 'cell-output-error' in t],
        hidden_code=list(hidden_code(site)), in_no_part_of_navigation=sorted(set(pages) - named), in_navigation_but_no_page=sorted(named - set(pages)))

def can_fail(site):
    "A page with one fault of each kind is found out"
    wrong = site/'wrong.html'; links = ['none.html', '01_rome.html#none', '#none', blob + 'none.py', home + 'none.html']
    wrong.write_text(''.join(f'<a href="{l}">x</a>' for l in links) + '<img src="https://example.com/a.png"><p class="cell-output-error">')
    rome = site/'01_rome.llms.md'; whole = rome.read_text(); solve = sources('rome')['metric_solve']
    rome.write_text(whole.replace(solve, solve.rpartition('\n')[0])) # its last line is missing
    bad = problems(site); wrong.unlink(); rome.write_text(whole)
    assert bad['hidden_code'] == ['rome.metric_solve: not in the Markdown'], bad['hidden_code']
    assert {f'wrong.html: {l}' for l in links} <= set(bad['broken_links']), bad['broken_links']
    assert all(any('wrong.html' in x for x in bad[k]) for k in ('third_party', 'no_alt_text', 'errors', 'in_no_part_of_navigation')), bad

def differences(new, old):
    "Files of two folders that are not the same"
    names = lambda d: {str(p.relative_to(d)) for p in d.rglob('*') if p.is_file()}
    a, b = names(new), names(old)
    return dict(missing=sorted(a - b), left_over=sorted(b - a), stale=sorted(n for n in a & b if not filecmp.cmp(new/n, old/n, shallow=False)))

if __name__ == '__main__':
    proc = process()
    wanted = {p.relative_to(root/'nbs').with_suffix('') for p in (root/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts}
    missing = [str(w) for w in wanted if not (proc/w).with_suffix('.ipynb').is_file()]
    assert not missing, f'not processed: {missing}'
    with tempfile.TemporaryDirectory() as d:
        site = Path(d)/'docs' if '--check' in sys.argv else root/'docs'
        render(proc, site); bad = problems(site)
        if '--check' in sys.argv: bad |= differences(site, root/'docs'); can_fail(site)
    shutil.rmtree(root/'_proc', ignore_errors=True)
    if any(bad.values()): sys.exit('\n'.join(f'{k.replace("_", " ")}:\n  ' + '\n  '.join(v) for k, v in bad.items() if v) + '\nrepair the notebooks (or nbs/_quarto.yml), then run python .ci/site.py')
