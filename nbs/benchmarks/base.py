"""How good a base is, measured by the judge of notebook 14e.

`python nbs/benchmarks/base.py run FOLDER` draws with the model in FOLDER (from `ship_base`) and
fills base.json beside this file, row by row; rows that are there are kept."""
import argparse, json, os, time
from pathlib import Path
import numpy as np
import torch

HERE = Path(__file__).resolve().parent
RESULTS = HERE/'base.json'
N = 500          # Pictures of a kind
NEIGHBOURS = 'dog rocket mushroom car'.split()
PROMPTS = ['a {} on the beach', 'a {} in the snow', 'a {} at night', 'a {} on the grass',
           'a photo of a {} on red', 'a small {} on a white background', 'a big {} on yellow',
           'two {} on a blue background', 'a {} on the left on pink', 'a {} on purple dots',
           'a {} wearing a hat on the grass', 'a {} wearing a crown on a blue background']

# ---- What is asked

def asked(kind, n=N, seed=0):
    "Scenes whose captions name their background: of the world, in pairs, coloured, kept apart"
    from perfusion_nb.world import random_scene
    if kind == 'unseen':
        return kept_apart_scenes(n, seed)
    how = {'world': {}, 'coloured': dict(coloured=1.), 'next to': dict(relation='next to')}[kind]
    rng, out = np.random.default_rng([seed, len(kind)]), []
    while len(out) < n:
        scene = random_scene(rng, **how)
        if named(scene):
            out.append(scene)
    return out

def named(scene):
    "Does its caption name the background?"
    from perfusion_nb.judge import read_prompt
    return read_prompt(scene.caption).background == scene.background

def kept_apart_scenes(n, seed):
    "Single things on a background, or in a colour, that training never showed them with"
    from dataclasses import replace
    from perfusion_nb.world import KEPT_APART, caption, random_scene
    rng, out = np.random.default_rng([seed, 99]), []
    pairs = {kind: sorted(KEPT_APART[kind]) for kind in ('place', 'colour')}
    while len(out) < n:
        kind = ('place', 'colour')[len(out) % 2]
        thing, other = pairs[kind][rng.integers(len(pairs[kind]))]
        if kind == 'place':
            scene = random_scene(rng, things=[thing], relation='one', background=other)
        else:
            scene = random_scene(rng, things=[thing], relation='one', coloured=0.)
            scene = replace(scene, things=[replace(t, colour=other) for t in scene.things])
            scene.caption = caption(scene, rng)
        if named(scene):
            out.append(scene)
    return out

# ---- Rows

def drawn(pipe, prompts, seed=0, batch=20, steps=15, guidance=3.):
    "Pictures of prompts, each from its own seed"
    pictures = []
    for a in range(0, len(prompts), batch):
        some = prompts[a:a+batch]
        noise = [torch.Generator().manual_seed(seed + a + k) for k in range(len(some))]
        pictures += pipe(some, generator=noise, num_inference_steps=steps,
                         guidance_scale=guidance).images
    return pictures

def kind_row(kind):
    "A row that draws scenes of a kind and counts what is there"
    def row(pipe, judge, n):
        scenes = asked(kind, n)
        hit = judge.hits(drawn(pipe, [s.caption for s in scenes]), scenes)
        colour = [any(t.colour for t in s.things) for s in scenes]
        return {k: v.astype(int).tolist() for k, v in hit.items()} | dict(coloured=colour)
    return row

def learn(perf, thing, seed=0, **how):
    "A development concept from its five pictures with their masks, by the base's recipe"
    from perfusion_nb.world import concept_pictures
    pictures, masks = concept_pictures(thing, masks=True)
    how = dict(masks=masks) | how
    perf.learn(pictures, f'<{thing}>', thing, seed=seed, progress=False, **how)
    return pictures

def plain_pictures(perf, thing, seeds=2):
    "The prompts with the superclass's word, before anything is learned or with the concept asleep"
    return perf.draw([p.format(thing) for p in PROMPTS], n=seeds, seed=1000)

def scores(draw, judge, word, thing, shown, before, seeds=2):
    "What `draw(prompts, n=, seed=)` shows; the prompt is right if all beside the thing is right"
    from perfusion_nb.apart import beside, leak
    plain = [p.format(thing) for p in PROMPTS for _ in range(seeds)]
    pictures = draw([p.format(word) for p in PROMPTS], n=seeds, seed=1000)
    hit, base = (judge.hits(ps, plain) for ps in (pictures, before))
    identity = judge.identity_score(pictures, shown)
    whole = lambda h: (h['background'] & h['worn'] & h['relation']).astype(int).tolist()
    once = [k for k, p in enumerate(plain) if not p.startswith('two')]
    leaks = leak(judge, *([ps[k] for k in once] for ps in (pictures, before)), shown, thing)
    others = [o for o in NEIGHBOURS if o != thing]
    pairs = beside(in_turn(draw, 2000), judge, word, shown, others)
    return dict(identity=identity.tolist(), prompt=whole(hit), plain_prompt=whole(base),
                background=hit['background'].astype(int).tolist(),
                plain_background=base['background'].astype(int).tolist(),
                leak=leaks.tolist(), neighbour=pairs.neighbour.astype(int).tolist(),
                itself=pairs.itself.astype(int).tolist(), pair=pairs.both.astype(int).tolist())

def in_turn(draw, seed):
    "Prompts that come several times in a row, drawn with as many seeds"
    def one_each(prompts):
        each = list(dict.fromkeys(prompts))
        return draw(each, n=len(prompts)//len(each), seed=seed)
    return one_each

def rows():
    "What can be measured, by name"
    return {kind: kind_row(kind) for kind in ('world', 'coloured', 'next to', 'unseen')}

# ---- The run

def read(path=RESULTS):
    "Stored rows; none is a result too"
    return json.loads(Path(path).read_text()) if Path(path).is_file() else {}

def write(path, done, indent=1):
    "Store rows, the file whole or not at all"
    from perfusion_nb.concept import write_atomic
    write_atomic(path, (json.dumps(done, indent=indent) + '\n').encode())

def run(folder, out, only, again, n):
    from perfusion_nb.base import base_pipeline
    from perfusion_nb.judge import load_judge
    import perfusion_nb.sample, perfusion_nb.train
    pipe, judge, done = base_pipeline(folder), load_judge(), read(out)
    every = rows()
    if wrong := set(only or ()) - set(every):
        raise SystemExit(f'There is no row {", ".join(wrong)}: choose from {", ".join(every)}.')
    for name in only or every:
        if name in done and not again:
            continue
        start = time.perf_counter()
        found = every[name](pipe, judge, n)
        done[name] = dict(found=found, took=round(time.perf_counter() - start, 1))
        write(out, done, indent=None)
        print(f'{name:10} took {done[name]["took"]:6.0f} s', flush=True)

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('what', choices=['run'])
    p.add_argument('folder', type=Path)
    p.add_argument('--only', nargs='+', metavar='ROW')
    p.add_argument('--again', action='store_true')
    p.add_argument('--n', type=int, default=N)
    p.add_argument('--out', type=Path, default=RESULTS)
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))
    run(a.folder, a.out, a.only, a.again, a.n)
