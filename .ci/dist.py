"Build sdist and wheel; look inside; import the wheel outside the clone."
import subprocess, sys, tarfile, zipfile
from pathlib import Path

root, out = Path(__file__).resolve().parent.parent, Path(sys.argv[1]).resolve()
def run(*cmd, cwd=root): subprocess.run([str(c) for c in cmd], check=True, cwd=cwd)
run(sys.executable, '-m', 'pip', 'install', '-q', 'build', 'setuptools', 'wheel')
run(sys.executable, '-m', 'build', '--no-isolation', '--outdir', out, root)
(wheel,), (sdist,) = out.glob('*.whl'), out.glob('*.tar.gz')
inside = zipfile.ZipFile(wheel).namelist()
assert any(n.endswith('assets/tiny/unet/diffusion_pytorch_model.safetensors') for n in inside), 'the wheel lacks the embedded model'
assert not any(n.endswith('.ipynb') or n.startswith('nbs/') for n in inside), 'the wheel holds notebooks'
assert not any('.ipynb' in n for n in tarfile.open(sdist).getnames()), 'the sdist holds notebooks'
for k, package in enumerate((wheel, sdist)):
    place = out/f'site{k}'
    run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-build-isolation', '--target', place, package)
    code = f'import sys; sys.path.insert(0, {str(place)!r}); import perfusion_nb; assert perfusion_nb.__file__.startswith({str(place)!r}), perfusion_nb.__file__; from perfusion_nb.all import *; assert Perfusion(tiny_pipeline()).draw("a cat", steps=2)'
    run(sys.executable, '-c', code, cwd='/')
print(wheel.name, f'{wheel.stat().st_size/1e6:.1f} MB')
