"""A stub of `Perfusion` for editors: all verbs, from whichever notebook, with their signatures and docments.
    python .ci/stub.py            writes perfusion_nb/wiring.pyi
    python .ci/stub.py --check    exits with 1 if it is not fresh
"""
import ast, inspect, sys, textwrap
from pathlib import Path

lib = Path(__file__).resolve().parent.parent/'perfusion_nb'

def source_of(f):
    "The definition of a function as it stands in its module, without its body: signature with docments, and docstring"
    lines, _ = inspect.getsourcelines(inspect.unwrap(f))
    text = textwrap.dedent(''.join(lines))
    node = ast.parse(text).body[0]
    first, body = node.lineno, node.body[0]
    head = text.splitlines()[first - 1:body.lineno - 1] or [text.splitlines()[first - 1].split('):', 1)[0] + '):']
    head[0] = head[0].replace('self:Perfusion', 'self')
    doc = ast.get_docstring(node)
    told = [f'    {doc!r}'] if doc else []
    return '\n'.join([*head, *told, '    ...'])

def members(cls):
    "Public verbs and properties, in the order of the notebooks that they come from"
    return {n: v for n, v in vars(cls).items() if not n.startswith('_') or n == '__init__'}

def stub():
    import perfusion_nb.all
    from perfusion_nb.wiring import Perfusion
    out = ['"Made by .ci/stub.py: what an editor may know of `Perfusion`, which grows from notebook to notebook"', '# ruff: noqa',
           'from typing import Any', 'from pathlib import Path', 'import torch',
           'from .concept import Concept', 'from .data import PictureSet', 'from .attention import Recording', 'from .train import Recipe, Batch', '']
    out += ['def __getattr__(name: str) -> Any: ...', '', 'class Perfusion:', f'    "{Perfusion.__doc__}"']
    for name, v in members(Perfusion).items():
        if isinstance(v, property):
            out += ['    @property', f'    def {name}(self):', f'        {(inspect.getdoc(v) or name)!r}', '        ...']
        elif inspect.isfunction(inspect.unwrap(v)): out += [textwrap.indent(source_of(v), '    ')]
    return '\n'.join(out) + '\n'

if __name__ == '__main__':
    text, path = stub(), lib/'wiring.pyi'
    ast.parse(text)
    if '--check' in sys.argv: sys.exit(None if path.is_file() and path.read_text() == text else 'perfusion_nb/wiring.pyi is not fresh: python .ci/stub.py')
    path.write_text(text)
