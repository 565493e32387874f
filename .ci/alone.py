"nbdev_test, every notebook in a process of its own: what one leaves behind cannot help the next."
import multiprocessing
from functools import partial
import fastcore.parallel as parallel
from nbdev.test import nbdev_test

if __name__ == '__main__':
    fresh = multiprocessing.get_context('forkserver') # Each process is forked from one that has only imported what nearly all need, and nothing of ours
    fresh.set_forkserver_preload(['nbdev.test', 'matplotlib.pyplot', 'diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion'])
    parallel.ProcessPoolExecutor = partial(parallel.ProcessPoolExecutor, mp_context=fresh, max_tasks_per_child=1)
    nbdev_test()
