"Process the notebooks and render docs/ without Quarto. `--check` renders elsewhere and compares."
import filecmp, os, re, shutil, subprocess, sys, tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def process():
    "Notebooks to _proc/, by nbdev's own processors"
    os.chdir(root)
    from nbdev.serve import proc_nbs
    shutil.rmtree(root/'_proc', ignore_errors=True); (root/'_proc').mkdir()
    return Path(proc_nbs(n_workers=0, force=True))

def katex(site):
    "Maths without a network: the pages' KaTeX comes from the site itself"
    shutil.copytree(root/'.ci/katex', site/'katex', dirs_exist_ok=True)
    for page in site.rglob('*.html'):
        up = '../'*len(page.relative_to(site).parts[:-1])
        page.write_text(re.sub(r'https://cdn\.jsdelivr\.net/npm/katex@[^/"]*/dist/', f'{up}katex/', page.read_text()))

def render(proc, out):
    "_proc/ to pages"
    subprocess.run([Path(sys.executable).parent/'smalldocs', 'render', '--quiet', str(proc)], check=True)
    made = next(p for p in (proc/'_docs', root/'_docs', proc/'_site') if p.is_dir())
    shutil.rmtree(out, ignore_errors=True); shutil.copytree(made, out); shutil.rmtree(made)
    if (root/'.ci/katex').is_dir(): katex(out)

if __name__ == '__main__':
    proc = process()
    wanted = {p.relative_to(root/'nbs').with_suffix('') for p in (root/'nbs').rglob('*.ipynb')}
    missing = [str(w) for w in wanted if not (proc/w).with_suffix('.ipynb').is_file()]
    assert not missing, f'not processed: {missing}'
    if '--check' not in sys.argv: render(proc, root/'docs')
    else:
        with tempfile.TemporaryDirectory() as d:
            render(proc, Path(d)/'docs')
            pages = {str(p.relative_to(Path(d)/'docs')) for p in (Path(d)/'docs').rglob('*.html')}
            outside = [p for p in pages for t in [(Path(d)/'docs'/p).read_text()] if re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', t)]
            errors = [p for p in pages if 'class="cell-output cell-output-error"' in (Path(d)/'docs'/p).read_text()]
            have = {str(p.relative_to(root/'docs')) for p in (root/'docs').rglob('*.html')}
            stale = [p for p in pages & have if not filecmp.cmp(Path(d)/'docs'/p, root/'docs'/p, shallow=False)]
            problems = dict(missing=sorted(pages - have), left_over=sorted(have - pages), stale=stale, third_party=outside, errors=errors)
            if any(problems.values()): sys.exit(str({k: v for k, v in problems.items() if v}) + '; run python .ci/site.py')
    shutil.rmtree(root/'_proc', ignore_errors=True)
